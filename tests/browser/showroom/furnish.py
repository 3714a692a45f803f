"""Two companies at work, for looking at the pages with something on them. No model runs.

    export YOYAK_DATA_DIR=/tmp/showroom
    python manage.py migrate
    python manage.py shell -c "from tests.browser.showroom.furnish import furnish; furnish()"
    python manage.py runserver 8010

Everybody's password is that of `tests.people`; 한서윤 administers. Rows come from the services of the product.
"""

import random

from model_core.data.simulator.expand import CallSimulator
from tests.browser.showroom import work
from tests.browser.showroom.calls import finished_call
from tests.browser.showroom.company import House, make_house

OURS, THEIRS = "가람통신", "다온보험"
DAYS, KINDS = 26, 16


def furnish(calls: int = 44) -> House:
    """Fill an empty, migrated database and return the company to look at."""
    rng = random.Random(4)
    ours = make_house(
        OURS,
        ("한서윤", "admin"),
        ("김하늘", "agent"),
        ("박도윤", "agent"),
        ("이수아", "reviewer"),
        ("정민재", "auditor"),
    )
    theirs = make_house(THEIRS, ("오지호", "admin"))
    simulator = CallSimulator("test", 11, written_p=0.35)
    work.connect(ours)
    ages = sorted((DAYS * rng.random() ** 1.4 for _ in range(calls)), reverse=True)
    made = [finished_call(ours, simulator.call(_index(number, rng)), rng, age) for number, age in enumerate(ages)]
    for index in range(3):
        finished_call(theirs, simulator.call(1000 + index), rng, index + 1)
    work.fill_inbox(ours, rng)
    work.sort_calls(ours, made, rng)
    work.review(ours, made)
    work.begin_calls(ours)
    work.run_batches(ours, made)
    work.make_templates(ours, made[-1])
    work.train(ours)
    work.deliver(ours)
    return ours


def _index(number: int, rng: random.Random) -> int:
    """Return the index of a call that no other number has: companies have many calls of few kinds."""
    return number * KINDS + min(int(rng.expovariate(0.35)), KINDS - 1)
