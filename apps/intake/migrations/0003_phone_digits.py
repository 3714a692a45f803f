"""The digits of the customer's number beside its spelling, so that the list can be narrowed to it."""

from django.db import migrations, models


def fill(apps, schema_editor):
    CallDetails = apps.get_model("intake", "CallDetails")
    told = CallDetails.objects.exclude(customer_phone="").only("customer_phone")
    rows = []
    for row in told.iterator(2000):
        row.phone_digits = "".join(c for c in row.customer_phone if c.isdigit())
        rows.append(row)
    CallDetails.objects.bulk_update(rows, ["phone_digits"], batch_size=1000)


class Migration(migrations.Migration):
    dependencies = [("intake", "0002_imports")]
    operations = [
        migrations.AddField(
            model_name="calldetails", name="phone_digits", field=models.CharField(blank=True, max_length=15)
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
