"""Addresses of the app."""

from django.urls import path

from apps.summary_templates import views

app_name = "summary_templates"
urlpatterns = [
    path("", views.list_templates, name="list"),
    path("new/", views.new, name="new"),
    path("preview/", views.preview, name="preview"),
    path("preview/<uuid:preview_id>/", views.show_preview, name="show_preview"),
    path("call/<uuid:call_id>/", views.summarize_call, name="call"),
    path("<uuid:template_id>/", views.edit, name="edit"),
    path("<uuid:template_id>/versions/<int:number>/", views.show_version, name="version"),
    path("<uuid:template_id>/versions/<int:number>/restore/", views.restore, name="restore"),
    path("<uuid:template_id>/default/", views.default, name="default"),
    path("<uuid:template_id>/retire/", views.retire, name="retire"),
]
