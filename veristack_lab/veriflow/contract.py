"""What a scheduler and the process of a run agree on: variables and exit codes.

The addresses of database and object store are passed in the environment, so that no password
appears in a process list. The exit code says what the scheduler should do (numbers from BSD's
sysexits).
"""

from __future__ import annotations

CONNINFO_VARIABLE = "VERIFLOW_CONNINFO"
SCHEMA_VARIABLE = "VERIFLOW_SCHEMA"
OBJECTS_VARIABLE = "VERIFLOW_OBJECTS"

EXIT_DONE = 0
"""Done, and the result was recorded."""
EXIT_FAILED = 1
"""It failed; trying again may help. So do all codes not named here, and signals."""
EXIT_BAD_JOB = 65
"""EX_DATAERR: the job itself is wrong, trying again cannot help."""
EXIT_LEASE_LOST = 75
"""EX_TEMPFAIL: the lease was lost; nothing to report, another scheduler owns the job."""
