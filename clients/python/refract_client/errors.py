"""What goes wrong is one kind of error, which says what, and what to do about it."""


class RefractError(Exception):
    """Says why a request was not answered.

    `code` stays the same from version to version, `message` names the value at fault and `hint` the remedy.
    `status` is that of HTTP, 0 where no answer came (`code` is "unreachable" then). `retry_after`, where the
    server named a time, is in how many seconds it may be asked again.
    """

    def __init__(
        self, code: str, message: str, hint: str = "", *, status: int = 0, retry_after: float | None = None
    ) -> None:
        super().__init__(" ".join(filter(None, (message, hint))))
        self.code, self.message, self.hint = code, message, hint
        self.status, self.retry_after = status, retry_after
