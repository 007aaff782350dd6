"""JWT cases about time: each boundary from both sides, with and without skew, and where the session then ends."""

from cases import NOW, Case
from jwt_tokens import ABSENT, CURRENT, LONGEST, SKEW, Key, accepted, claims, encoded, refused

EXPIRED, EARLY, LONG = "session_expired", "session_not_yet_valid", "session_lifetime_too_long"


def cases() -> list[Case]:
    return [*expiry(), *beginnings(), *lifetimes(), *lifetimes_without_issue_time(), *eras()]


def times(iat, exp, nbf=ABSENT) -> bytes:
    return encoded(claims(iat=iat, exp=exp, nbf=nbf))


def expiry() -> list[Case]:
    found = []
    for skew in (0, 1, 30, 300):
        last = NOW - skew
        issued = NOW - 3600
        named = f"with_skew_{skew}"
        found += [
            refused(f"expiry_long_past_{named}", times(issued, last - 600), EXPIRED, "long over", skew=skew),
            refused(f"expiry_past_{named}", times(issued, last - 1), EXPIRED, "over by a second", skew=skew),
            refused(f"expiry_now_{named}", times(issued, last), EXPIRED, "at exp + skew the session is over", skew=skew),
            accepted(f"expiry_next_{named}", times(issued, last + 1), "the last second", skew=skew, end=NOW + 1),
            accepted(f"expiry_soon_{named}", times(issued, last + 60), "a minute left", skew=skew, end=NOW + 60),
        ]
    last = times(NOW - 3600, NOW - SKEW)
    fraction = encoded(claims(iat=NOW - 3600, exp=NOW - SKEW + 0.5))
    return [
        *found,
        accepted("expiry_in_half_a_second", last, "now may be fractional", now=NOW - 0.5, end=NOW),
        refused("expiry_half_a_second_ago", last, EXPIRED, "now may be fractional", now=NOW + 0.5),
        accepted("expiry_fraction_ahead", fraction, "half a second is left; PyJWT cuts the fraction off", end=NOW + 0.5),
        refused("expiry_fraction_reached", fraction, EXPIRED, "the fraction is over", now=NOW + 0.5),
        refused("expiry_fraction_passed", fraction, EXPIRED, "the fraction is over", now=NOW + 1),
        accepted("expiry_before_issue", times(NOW + 20, NOW + 10), "odd, and within the skew", end=NOW + 10 + SKEW),
    ]


def beginnings() -> list[Case]:
    found = []
    for skew in (0, 30, 300):
        latest = NOW + skew
        named = f"with_skew_{skew}"
        end = NOW + 7200 + skew
        for claim in ("nbf", "iat"):

            def starting(at, claim=claim) -> bytes:
                return encoded(claims(**{claim: at, "exp": NOW + 7200}))

            found += [
                accepted(f"{claim}_now_{named}", starting(NOW), "begins now", skew=skew, end=end),
                accepted(f"{claim}_at_the_limit_{named}", starting(latest), "the last second", skew=skew, end=end),
                refused(f"{claim}_next_{named}", starting(latest + 1), EARLY, "a second too early", skew=skew),
                refused(f"{claim}_later_{named}", starting(latest + 600), EARLY, "ten minutes too early", skew=skew),
                refused(f"{claim}_fraction_{named}", starting(latest + 0.5), EARLY, "PyJWT cuts the fraction", skew=skew),
            ]
    token = encoded(claims(nbf=NOW + SKEW + 1))
    return [
        *found,
        refused("nbf_half_a_second_early", token, EARLY, "now may be fractional", now=NOW + 0.5),
        accepted("nbf_reached", token, "a second later", now=NOW + 1),
        accepted("nbf_and_iat_past", encoded(claims(nbf=NOW - 10)), "both are past"),
        refused("nbf_future_iat_past", encoded(claims(nbf=NOW + 3000)), EARLY, "either may be too early"),
        refused("iat_future_nbf_past", encoded(claims(nbf=NOW - 60, iat=NOW + 3000)), EARLY, "either may be too early"),
        accepted("nbf_absent_iat_absent", encoded(claims(iat=ABSENT)), "both are optional"),
    ]


def lifetimes() -> list[Case]:
    """With an issue time the life is exp - iat, and it is over at iat + max_lifetime without any skew."""
    issued = NOW - 60
    full = times(issued, issued + LONGEST)
    old = NOW - LONGEST
    return [
        accepted("life_at_the_limit", full, "the longest life; it ends without skew", end=issued + LONGEST),
        accepted("life_below_the_limit", times(issued, issued + LONGEST - 1), "a second under", end=issued + LONGEST),
        accepted("life_29_below", times(issued, issued + LONGEST - 29), "the skew is cut", end=issued + LONGEST),
        accepted("life_30_below", times(issued, issued + LONGEST - 30), "both ends together", end=issued + LONGEST),
        accepted("life_31_below", times(issued, issued + LONGEST - 31), "exp + skew is earlier", end=issued + LONGEST - 1),
        refused("life_over_the_limit", times(issued, issued + LONGEST + 1), LONG, "a second over"),
        refused("life_over_by_a_fraction", times(issued, issued + LONGEST + 0.5), LONG, "half a second over"),
        refused("life_over_by_an_early_fraction", times(issued - 0.5, issued + LONGEST), LONG, "half a second over"),
        refused("life_of_years", times(issued, NOW + 10 * 365 * 86400), LONG, "ten years"),
        accepted("life_nearly_over", times(old + 1, NOW + 1), "its last second", end=NOW + 1),
        refused("life_over_now", times(old, NOW), EXPIRED, "over, though exp + skew is not"),
        refused("life_over_a_second_ago", times(old - 1, NOW - 1), EXPIRED, "over, though exp + skew is not"),
        accepted("life_over_in_half_a_second", times(old, NOW), "now may be fractional", now=NOW - 0.5, end=NOW),
        refused("life_over_and_too_long", times(old, NOW + 3600), EXPIRED, "both: the earlier check speaks"),
        accepted("life_begins_within_the_skew", times(NOW + 30, NOW + 30 + LONGEST), "from iat on", end=NOW + 30 + LONGEST),
        refused("life_begins_within_the_skew_too_long", times(NOW + 30, NOW + 31 + LONGEST), LONG, "a second over"),
        accepted("short_life_allowed", times(NOW, NOW + 60), "at a limit of a minute", longest=60, end=NOW + 60),
        refused("short_life_exceeded", times(NOW, NOW + 61), LONG, "over a limit of a minute", longest=60),
        accepted("shortest_life", times(NOW, NOW + 1), "at a limit of a second", longest=1, end=NOW + 1),
        accepted("life_longer_than_what_is_left", times(NOW - 10000, NOW + 100), "only the whole life counts", end=NOW + 130),
        refused("life_too_long_with_little_left", times(NOW - 43000, NOW + 300), LONG, "only the whole life counts"),
        accepted(
            "life_cut_by_the_key",
            full,
            "the key retires first",
            keys=(Key(CURRENT.id, CURRENT.secret, NOW + 5),),
            end=NOW + 5,
        ),
    ]


def lifetimes_without_issue_time() -> list[Case]:
    limit = NOW + LONGEST
    end = limit + SKEW
    return [
        accepted("left_at_the_limit", times(ABSENT, limit), "without iat what is left is bounded", end=end),
        accepted("left_below_the_limit", times(ABSENT, limit - 1), "a second under", end=end - 1),
        refused("left_over_the_limit", times(ABSENT, limit + 1), LONG, "a second over"),
        refused("left_over_by_a_fraction", times(ABSENT, limit + 0.5), LONG, "half a second over"),
        refused("left_over_at_half_a_second", times(ABSENT, limit + 1), LONG, "now may be fractional", now=NOW + 0.5),
        accepted("left_at_the_limit_later", times(ABSENT, limit + 1), "a second later", now=NOW + 1, end=end + 1),
        accepted("left_within_the_skew", times(ABSENT, NOW - SKEW + 1), "the last second", end=NOW + 1),
        refused("left_nothing", times(ABSENT, NOW - SKEW), EXPIRED, "over"),
        accepted("nbf_is_no_issue_time", times(ABSENT, limit, nbf=NOW - 90000), "nbf bounds no life", end=end),
    ]


def eras() -> list[Case]:
    """Far-away clocks, where sums overflow or go below zero."""
    found = []
    for name, now in (("2038", 2**31), ("2106", 2**32), ("2286", 10**10), ("2500", 16725225600)):
        found += [
            accepted(f"era_{name}", times(now - 60, now + 3600), "a late clock", now=now, end=now + 3600 + SKEW),
            refused(f"era_{name}_expired", times(now - 600, now - SKEW), EXPIRED, "a late clock", now=now),
            refused(f"era_{name}_early", times(now + SKEW + 1, now + 3600), EARLY, "a late clock", now=now),
        ]
    return [
        *found,
        accepted("era_1970_first_second", times(0, 1), "the first second", now=0, end=1 + SKEW),
        accepted("era_1970_within_the_skew", times(ABSENT, 5), "exp + skew is ahead", now=34, end=35),
        refused("era_1970_over", times(ABSENT, 5), EXPIRED, "exp + skew is reached", now=35),
        accepted("era_1970_issued_ahead", times(SKEW, 60), "iat within the skew", now=0, end=60 + SKEW),
        refused("era_1970_issued_too_far_ahead", times(SKEW + 1, 60), EARLY, "iat beyond the skew", now=0),
    ]
