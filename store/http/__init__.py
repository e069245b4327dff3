"""HTTP as stores use it: connections for lanes, sessions for control calls, jobs, and plain HTTP sources."""
