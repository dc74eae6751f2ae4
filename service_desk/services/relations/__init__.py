"""What both sides do together and what they agreed."""

from service_desk.services.relations.items import NewItem, items_of, open_item

__all__ = ["NewItem", "items_of", "open_item"]
