"""Where a learner's progress is kept, and whether a learner is there to be asked.

`VERISTACK_LEARNER` names the folder of the learner; without it, the folder is the platform's
folder for user data (on Linux `~/.local/share/veristack-lab`). The folder holds `progress/` and
`labs/`, and is never inside the tracked files of a checkout.

`VERISTACK_PREDICTIONS` is `ask` or `defaults`. Without it, questions are asked where the kernel
was started by a Jupyter server, which means that a page shows it, and answered by their defaults
everywhere else: in scripts, under nbval and under nbclient.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime import paths

LEARNER, MODE = "VERISTACK_LEARNER", "VERISTACK_PREDICTIONS"
ASK, DEFAULTS = "ask", "defaults"
IGNORED_BY_GIT = "my-labs"


def learner_folder() -> Path:
    """The learner's folder. Not created here.

    Raises:
        InvalidInput: it would lie among the tracked files of the checkout.
    """
    configured = os.environ.get(LEARNER)
    if configured:
        folder = Path(configured).expanduser().resolve()
    else:
        import platformdirs

        folder = platformdirs.user_data_path("veristack-lab").resolve()
    root = paths.checkout()
    if root is not None and folder.is_relative_to(root):
        inside = folder.relative_to(root).parts
        if not inside or inside[0] != IGNORED_BY_GIT:
            raise InvalidInput(
                f"{LEARNER} is {folder}, among the files of the project that git tracks; choose"
                f" another folder, for example {root / IGNORED_BY_GIT}, which git ignores"
            )
    return folder


def is_asking() -> bool:
    """Whether questions are asked here, and progress is recorded.

    Raises:
        InvalidInput: `VERISTACK_PREDICTIONS` is neither `ask` nor `defaults`.
    """
    mode = os.environ.get(MODE)
    if mode is None:
        return "ipykernel" in sys.modules and "JPY_SESSION_NAME" in os.environ
    if mode not in (ASK, DEFAULTS):
        raise InvalidInput(f"{MODE} is {ASK!r} or {DEFAULTS!r}, not {mode!r}")
    return mode == ASK
