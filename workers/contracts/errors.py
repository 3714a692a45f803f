"""The errors that cross stage borders: a typed code with values, and whether trying again can help."""


class StageError(Exception):
    """A stage cannot do its work. `code` names the reason shown to people (see `apps.jobs.reasons`)."""

    def __init__(self, code: str, *, permanent: bool = True, **values: object) -> None:
        super().__init__(f"{code} {values}" if values else code)
        self.code = code
        self.permanent = permanent
        self.values = values


class StageCancelled(Exception):
    """Somebody cancelled the job, or another worker has taken it over; the stage must stop at once."""

    permanent = True
