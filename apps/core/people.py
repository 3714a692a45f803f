"""Give views the acting person with the right type. Knows no permissions."""

from django.http import Http404, HttpRequest

from apps.accounts.models import User


def person(request: HttpRequest) -> User:
    """Return who is signed in.

    Raises:
        Http404: nobody is; the login middleware stops such requests before.
    """
    if not isinstance(request.user, User):
        raise Http404("nobody is signed in")
    return request.user
