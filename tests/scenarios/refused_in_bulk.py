"""The stories under `fixtures/` that bulk does not hold somewhere, by the reason it gives. A story comes off the list when bulk
holds it: the test that reads this fails until it does."""

REFUSED: dict[str, tuple[str, ...]] = {
    "a limit on what is paid for conversions and deliveries together": (
        "impressions/one_cap_on_both.yaml",
        "impressions/room_that_an_order_gives_back.yaml",
    ),
    "a limit per partner links the programs other, shop": ("limits/partner_in_two_programs.yaml",),
}
