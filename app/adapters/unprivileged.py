"""Run a program as another account, keeping at most one capability: PostgreSQL refuses to run as root.

A script of its own, since changing accounts between fork and exec is not safe in a process with threads.
Nothing about PostgreSQL lives here, and no permission of any file is changed.

    python -I -S unprivileged.py UID GID CAPABILITY FOLDER PROGRAM [ARGUMENT…]
"""

import ctypes
import os
import sys

CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
NO_CAPABILITY = -1

PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 4
LINUX_CAPABILITY_VERSION_3 = 0x20080522


def run_as(uid: int, gid: int, capability: int, folder: str, command: list[str]) -> None:
    """Become the account, enter the folder and turn into the command. Raise OSError where that is refused."""
    if capability != NO_CAPABILITY:
        # Else setuid would drop the capability, and access(2), by which PostgreSQL looks for its programs,
        # would ignore it.
        _call("prctl", PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if capability != NO_CAPABILITY:
        _keep_only(capability)
    os.chdir(folder)  # entered as that account, so a folder it cannot reach shows here
    os.execv(command[0], command)


def _keep_only(capability: int) -> None:
    bit = 1 << capability
    header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit)  # effective, permitted, inheritable; the upper halves stay empty
    _call("capset", header, sets)
    _call("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)  # ambient ones survive the exec


def _call(name: str, *arguments: object) -> None:
    """Call a function of the C library. Raise OSError when it fails, or where there is none of that name."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    if function is None:
        raise OSError(f"this platform has no {name}")
    if function(*(ctypes.c_ulong(item) if isinstance(item, int) else item for item in arguments)) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    try:
        run_as(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5:])
    except OSError as error:
        sys.exit(f"as account {sys.argv[1]}: {error}")
