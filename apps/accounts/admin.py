"""People and organizations in Django's admin, and the access log to read. Calls are not here: they have their pages."""

from typing import TYPE_CHECKING, Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.models import AccessLog, ApiToken, Membership, Organization, User
from apps.core.errors import YoyakError
from apps.core.feedback import explain
from apps.core.people import person
from apps.training.services import request_retraining

if TYPE_CHECKING:
    MembershipBase = admin.TabularInline[Membership, Organization]
    OrganizationBase = admin.ModelAdmin[Organization]
    LogBase = admin.ModelAdmin[AccessLog]
    TokenBase = admin.ModelAdmin[ApiToken]
else:
    MembershipBase, OrganizationBase, LogBase = admin.TabularInline, admin.ModelAdmin, admin.ModelAdmin
    TokenBase = admin.ModelAdmin


class MembershipInline(MembershipBase):
    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(Organization)
class OrganizationAdmin(OrganizationBase):
    list_display = ["name", "created_at"]
    inlines = [MembershipInline]
    actions = ["retrain"]

    @admin.action(description=gettext_lazy("승인된 요약으로 다시 학습"))
    def retrain(self, request: HttpRequest, queryset: QuerySet[Organization]) -> None:
        """Ask for a training run for each chosen organization."""
        for organization in queryset:
            try:
                request_retraining(actor=person(request), organization=organization)
            except YoyakError as error:
                self.message_user(request, f"{organization}: {explain(error)}", messages.ERROR)
            else:
                self.message_user(
                    request, _("%(name)s: 학습을 시작했습니다.") % {"name": organization}, messages.SUCCESS
                )


@admin.register(AccessLog)
class AccessLogAdmin(LogBase):
    list_display = ["at", "actor", "action", "object_type", "object_id", "organization"]
    list_filter = ["action", "organization"]
    date_hierarchy = "at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows come from the services only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody rewrites the log."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody shortens the log."""
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(TokenBase):
    list_display = ["name", "user", "scopes", "created_at", "expires_at", "last_used_at"]
    exclude = ["digest"]
    readonly_fields = ["user", "scopes", "last_used_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tokens come from `manage.py create_token`, which shows them once; here they are looked at and revoked."""
        return False


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    list_display = ["username", "is_active", "is_staff", "is_operator", "last_login"]
    fieldsets = [*(UserAdmin.fieldsets or ()), (None, {"fields": ["is_operator"]})]


admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
