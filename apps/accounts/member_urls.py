"""Addresses of members, invitations and the access log."""

from django.urls import path

from apps.accounts import join_views, log_views, member_views

app_name = "members"
urlpatterns = [
    path("members/", member_views.list_members, name="list"),
    path("members/<int:membership_id>/change/", member_views.change, name="change"),
    path("members/<int:membership_id>/disable/", member_views.disable, name="disable"),
    path("members/<int:membership_id>/enable/", member_views.enable, name="enable"),
    path("organizations/<uuid:organization_id>/invite/", member_views.invite, name="invite"),
    path("organizations/<uuid:organization_id>/teams/", member_views.add_team, name="add_team"),
    path("organizations/<uuid:organization_id>/totp/", member_views.require_totp, name="require_totp"),
    path("invitations/<uuid:invitation_id>/withdraw/", member_views.withdraw, name="withdraw"),
    path("teams/<int:team_id>/remove/", member_views.remove_team, name="remove_team"),
    path("join/<str:token>/", join_views.join, name="join"),
    path("access-log/", log_views.show_log, name="log"),
    path("access-log.csv", log_views.export_log, name="export_log"),
]
