"""Check digits, worked by hand."""

import pytest

from deidrelease.detection.check_digits import is_nass


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        # 28 and 12345678: 2812345678 = 97 x 28993254 + 40
        ("281234567840", True),
        ("281234567841", False),
        # Two neighbours exchanged.
        ("281235467840", False),
        # 08 and 01234567: below ten million, so 8 x 10^7 + 1234567 = 81234567 = 97 x 837469 + 74
        ("080123456774", True),
        # The same as if with eight digits: 801234567 = 97 x 8260150 + 17
        ("080123456717", False),
        # The border: 28 and 09999999 is 289999999 = 97 x 2989690 + 69; 28 and 10000000 is 2810000000, remainder 16
        ("280999999969", True),
        ("281000000016", True),
        ("28123456784", False),
        ("2812345678400", False),
        ("28123456784X", False),
        ("²81234567840", False),
        ("", False),
    ],
)
def test_social_security_numbers(number: str, expected: bool) -> None:
    assert is_nass(number) is expected


def test_every_single_typing_error_is_noticed() -> None:
    number = "281234567840"
    wrong = [
        number[:at] + digit + number[at + 1 :] for at in range(12) for digit in "0123456789" if digit != number[at]
    ]
    assert [candidate for candidate in wrong if is_nass(candidate)] == []
