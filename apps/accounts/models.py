"""People, the organizations and teams they work in, their roles, and the log of who touched what."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class User(AbstractUser):
    """A person who signs in. What they may see follows from their memberships; raising `session_generation` ends
    every session of theirs. An operator looks after the installation, whatever organizations use it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Where the person works in this request, out of several organizations; see `apps.accounts.selectors`.
    working_in: uuid.UUID | None = None
    # What they were members of when the request began, where it asks only once; see `apps.core.people.reader`.
    held: "list[Membership] | None" = None

    is_operator = models.BooleanField(_("운영자"), default=False)
    session_generation = models.PositiveIntegerField(default=0, editable=False)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        text = f"{self.session_generation}:{self.password}"
        return salted_hmac("apps.accounts.session", text, secret=secret, algorithm="sha256").hexdigest()


class Organization(models.Model):
    """A customer of the installation; every call belongs to one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("이름"), max_length=200, unique=True)
    require_totp = models.BooleanField(_("2단계 인증 필수"), default=False)
    created_at = models.DateTimeField(_("만든 때"), auto_now_add=True)

    class Meta:
        verbose_name = _("조직")
        verbose_name_plural = pgettext_lazy("several", "조직")

    def __str__(self) -> str:
        return self.name


class Team(models.Model):
    """Members of an organization who work together: a reviewer of the team reads what its agents added."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=100)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="one_team_of_a_name")]
        verbose_name = verbose_name_plural = _("팀")

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    AGENT = "agent", _("상담원")
    REVIEWER = "reviewer", _("검수자")
    ADMIN = "admin", _("관리자")
    AUDITOR = "auditor", _("감사자")


class Membership(models.Model):
    """One person's place in one organization; none of it counts once it is disabled."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("사용자"))
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("조직")
    )
    role = models.CharField(_("역할"), max_length=16, choices=Role, default=Role.AGENT)
    # A reviewer without a team reads the whole organization, so a team that goes must not leave members without one.
    team = models.ForeignKey(
        Team, on_delete=models.RESTRICT, null=True, blank=True, related_name="memberships", verbose_name=_("팀")
    )
    disabled_at = models.DateTimeField(_("사용을 멈춘 때"), null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "organization"], name="one_membership_each")]
        verbose_name = pgettext_lazy("one", "소속")
        verbose_name_plural = _("소속")

    def __str__(self) -> str:
        return f"{self.user} · {self.organization} · {self.role}"


class Invitation(models.Model):
    """A link that makes whoever holds it a member, once, until `expires_at`. Only its SHA-256 is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    note = models.CharField(max_length=100)
    role = models.CharField(max_length=16, choices=Role)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    accepted_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.organization} · {self.note}"


class AccessLog(models.Model):
    """One line for each read or change of a call, a member or a run; rows are only ever added."""

    at = models.DateTimeField(_("언제"), auto_now_add=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, verbose_name=_("조직"))
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, verbose_name=_("누가"))
    action = models.CharField(_("한 일"), max_length=40)
    object_type = models.CharField(_("대상"), max_length=40)
    object_id = models.UUIDField(_("대상 ID"))

    class Meta:
        indexes = [models.Index(fields=["organization", "-at"])]
        verbose_name = verbose_name_plural = _("접근 기록")

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.actor} {self.action} {self.object_type} {self.object_id}"


class Scope(models.TextChoices):
    READ = "read", _("읽기")
    WRITE = "write", _("쓰기")


class ApiToken(models.Model):
    """The right of a program to act as a person until `expires_at`. The token itself is not kept, only its SHA-256.

    What the program adds becomes the `organization`'s; without one, that of the person's oldest membership.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens", verbose_name=_("사용자"))
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, null=True, related_name="+", verbose_name=_("조직")
    )
    name = models.CharField(_("이름"), max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(_("할 수 있는 일"), default=list)
    created_at = models.DateTimeField(_("만든 때"), auto_now_add=True)
    expires_at = models.DateTimeField(_("끝나는 때"))
    last_used_at = models.DateTimeField(_("마지막 사용"), null=True)

    class Meta:
        verbose_name = pgettext_lazy("one", "API 토큰")
        verbose_name_plural = _("API 토큰")

    def __str__(self) -> str:
        return f"{self.user} · {self.name}"
