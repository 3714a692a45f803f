"""The errors of the web apps: what a person did that cannot be done, said in the person's language."""


class YoyakError(Exception):
    """Base of the family; `permanent` tells whether trying again can help, `code` names the reason for pages."""

    permanent = True

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(f"{code}: {values}" if values else code)
        self.code = code
        self.values = values
