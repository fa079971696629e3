"""Tests of deploy/: several instances behind a balancer."""
