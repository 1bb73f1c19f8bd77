"""Two people change the details of a site at the same time."""

import pytest

from webintel.problems import InvalidInput
from webintel.web.pages.site_details import DetailsForm, digests, merged

WAS: dict[str, object] = {"business_value_score": 0.5, "priority": 50, "notes": "Old"}


@pytest.mark.parametrize(
    ("mine", "theirs", "result", "disputed"),
    [
        ({"notes": "Mine"}, {}, {"notes": "Mine"}, False),
        ({"notes": "Mine"}, {"priority": 9}, {"notes": "Mine", "priority": 9}, False),
        ({"notes": "Mine"}, {"notes": "Theirs", "priority": 9}, {"notes": "Mine", "priority": 9}, True),
        ({"notes": "Same"}, {"notes": "Same"}, {"notes": "Same"}, False),
        ({"notes": None}, {"notes": "Theirs"}, {"notes": None}, True),
        ({"business_value_score": None}, {}, {"business_value_score": None}, False),
        ({}, {"business_value_score": 1.0}, {"business_value_score": 1.0}, False),
    ],
)
def test_changes_are_put_together_unless_both_changed_the_same(
    mine: dict[str, object], theirs: dict[str, object], result: dict[str, object], disputed: bool
) -> None:
    assert merged(digests(WAS), WAS | mine, WAS | theirs) == (WAS | result, disputed)


def test_without_knowing_what_was_seen_every_difference_is_disputed() -> None:
    assert merged("", WAS, WAS) == (WAS, False)
    assert merged("x.y", WAS | {"notes": "Mine"}, WAS) == (WAS | {"notes": "Mine"}, True)


def test_a_form_that_was_not_touched_is_what_was_seen() -> None:
    stored: dict[str, object] = {"business_value_score": 1, "priority": 50, "notes": " Two\n lines "}
    form = DetailsForm.of(stored, '"1"', digests(stored))
    sent = DetailsForm(form.business_value_score, form.priority, form.notes.replace("\n", "\r\n"))
    assert digests(sent.body()) == form.seen


@pytest.mark.parametrize("value", ["nan", "inf", "-0.1", "1.01", "much"])
def test_a_value_is_a_number_from_0_to_1(value: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        DetailsForm(value, "101").body()
    assert [error.field for error in refused.value.errors] == ["business_value_score", "priority"]


def test_a_comma_will_do() -> None:
    assert DetailsForm("0,65", "100", "  ").body() == {"business_value_score": 0.65, "priority": 100, "notes": None}
