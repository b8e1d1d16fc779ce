"""What a finding's script says: versions, the guess, what is seen; exit status 1 if that changed."""

import sys
from importlib.metadata import version


class Finding:
    def __init__(self, guess, *packages):
        self.changed = 0
        print("versions:", ", ".join(f"{p} {version(p)}" for p in packages))
        print("guess:   ", guess)

    def seen(self, sentence, holds, *values):
        """One claim about what happens, the condition that it still does, and its numbers."""
        shown = "".join(f" {v};" for v in values).rstrip(";")
        if holds:
            print("seen:    ", sentence + (":" + shown if shown else ""))
        else:
            self.changed += 1
            print("CHANGED: ", f'no longer "{sentence}":{shown}')

    def end(self):
        if self.changed:
            print(f"{self.changed} of the claims no longer hold: look at the newer version, then at "
                  "findings/README.md")
            sys.exit(1)
        print("holds")
