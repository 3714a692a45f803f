"""When people spoke: told by the telephone system, else when the call came in. The list's index goes by it."""

import django.utils.timezone
from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce


def fill(apps, schema_editor):
    Call, CallDetails = apps.get_model("calls", "Call"), apps.get_model("intake", "CallDetails")
    told = CallDetails.objects.filter(call=OuterRef("pk")).values("started_at")[:1]
    Call.objects.update(happened_at=Coalesce(Subquery(told), F("created_at")))


class Migration(migrations.Migration):
    dependencies = [("calls", "0001_initial"), ("intake", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="call",
            name="happened_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RemoveIndex(model_name="call", name="calls_call_organiz_1bb544_idx"),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(fields=["organization", "-happened_at"], name="calls_call_organiz_0e640d_idx"),
        ),
    ]
