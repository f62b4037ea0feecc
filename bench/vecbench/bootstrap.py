"""Make the Python packages that a command needs available.

Standard library only: this runs before anything else is imported.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
# One environment per Python version: the folder may be shared between a
# machine and a container or chroot of another release.
VENV = BENCH / ".venv" / "{}.{}".format(*sys.version_info)
MARK = "VECBENCH_IN_VENV"


def ensure(*modules):
    """Return if all modules can be imported; else re-run the command in a
    virtualenv that has them, made on first use."""
    missing = [m for m in modules if importlib.util.find_spec(m) is None]
    if not missing:
        return
    if os.environ.get(MARK):
        sys.exit(f"{VENV} lacks {', '.join(missing)}: remove it and try again")
    python = VENV / "bin" / "python"
    # The stamp comes last, so that an interrupted installation is redone.
    stamp = VENV / "complete"
    wanted = (BENCH / "requirements.txt").read_text()
    if not (stamp.exists() and stamp.read_text() == wanted):
        print(f"setting up {VENV.relative_to(BENCH.parent)} (once)",
              file=sys.stderr)
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", VENV],
                           check=True, stdout=sys.stderr)
            subprocess.run([python, "-m", "pip", "install", "--quiet",
                            "-r", BENCH / "requirements.txt"], check=True)
        except subprocess.CalledProcessError as error:
            sys.exit(f"{error}\nthe virtualenv could not be made: install "
                     "python3-venv, or the packages in bench/requirements.txt")
        stamp.write_text(wanted)
    os.environ[MARK] = "1"
    os.execv(python, [str(python), *sys.argv])
