"""People, the organizations they work for, their roles, and the log of who touched which call."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person who signs in. What they may see follows from their memberships."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)


class Organization(models.Model):
    """A customer of the installation; every call belongs to one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = _("조직")

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    AGENT = "agent", _("상담원")
    REVIEWER = "reviewer", _("검수자")
    ADMIN = "admin", _("관리자")


class Membership(models.Model):
    """One person's place in one organization."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role, default=Role.AGENT)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "organization"], name="one_membership_each")]
        verbose_name = verbose_name_plural = _("소속")

    def __str__(self) -> str:
        return f"{self.user} · {self.organization} · {self.role}"


class AccessLog(models.Model):
    """One line for each read or change of a call; rows are only ever added."""

    at = models.DateTimeField(auto_now_add=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True)
    action = models.CharField(max_length=40)
    object_type = models.CharField(max_length=40)
    object_id = models.UUIDField()

    class Meta:
        indexes = [models.Index(fields=["organization", "-at"])]
        verbose_name = verbose_name_plural = _("접근 기록")

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.actor} {self.action} {self.object_type} {self.object_id}"


class Scope(models.TextChoices):
    READ = "read", _("읽기")
    WRITE = "write", _("쓰기")


class ApiToken(models.Model):
    """The right of a program to act as a person until `expires_at`. The token itself is not kept, only its SHA-256."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.user} · {self.name}"
