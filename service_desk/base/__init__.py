"""Ground floor: clock, money, errors, paging, text. Knows no framework."""
