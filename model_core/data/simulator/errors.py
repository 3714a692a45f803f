"""The errors of the data tools. They know a message and whether another try can help."""


class DataError(Exception):
    """Something wrong with data or with how it was asked for. `permanent`: another try would fail the same way."""

    permanent = True


class ScriptError(DataError):
    """A call script that breaks a rule of the script language."""

    def __init__(self, path: str, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path, self.line, self.message = path, line, message
