"""What tests share: real labs, services and browsers, and helpers that several folders use."""
