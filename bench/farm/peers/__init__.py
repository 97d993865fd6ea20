"""Queues of other people's, each used as its own documentation says.  job_queue -> [peers] -> measures

None of them is needed: the extra `bench` installs them, and what is not there is left out of the table by name."""
