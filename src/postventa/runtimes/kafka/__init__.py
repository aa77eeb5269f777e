"""The distributed runtime: Faust reads the topics, the database holds the state; any number of workers, all alike."""
