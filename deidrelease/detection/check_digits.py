"""Check digits of Spanish numbers that Presidio does not know."""

_SERIALS = 10**7
_MODULUS = 97


def is_nass(digits: str) -> bool:
    """Whether the 12 `digits` can be a Spanish social security number (NASS, NUSS, NAF).

    Two digits of the province, eight of the serial, and two check digits: the remainder by 97 of province and serial,
    read as one number; a serial below ten million is read with seven digits (the rule of the Tesorería General de la
    Seguridad Social).
    """
    if len(digits) != 12 or not (digits.isascii() and digits.isdigit()):
        return False
    province, serial, check = int(digits[:2]), int(digits[2:10]), int(digits[10:])
    shift = _SERIALS if serial < _SERIALS else 10 * _SERIALS
    return (province * shift + serial) % _MODULUS == check
