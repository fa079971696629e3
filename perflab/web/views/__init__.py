"""The bench's pages: the contents, an experiment's lanes, each lane alone, and the lab's state."""
