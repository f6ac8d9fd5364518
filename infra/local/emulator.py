"""`python -m infra.local.emulator`: the AWS emulator, for this machine's own programs and pages alone.

By itself it asks nobody who they are and allows every origin: any web page could read the videos in it, or make a
function of its own and run it.
"""

from __future__ import annotations

import ministack.app as emulator

from model_src.serving.loopback import own_pages_alone


def main() -> None:
    emulator.app = own_pages_alone(emulator.app)  # the name by which the emulator's `main` finds what it serves
    emulator.main()


if __name__ == "__main__":
    main()
