"""The programs that generate load: Locust, hey, ab and wrk, and an open loop of our own."""
