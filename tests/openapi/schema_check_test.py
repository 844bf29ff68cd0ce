"""The checker itself: what it accepts and what it must refuse; and the document's own examples against their schemas."""
import json
import sys
import unittest

from schema_check import Mismatch, check

DOCUMENT = {"components": {"schemas": {"Word": {"type": "string", "minLength": 1}}}}
THING = {
    "type": "object",
    "properties": {"name": {"$ref": "#/components/schemas/Word"}, "count": {"type": "integer", "minimum": 0}},
    "required": ["name"],
    "additionalProperties": False,
}


class SchemaCheck(unittest.TestCase):
    def refuses(self, schema, value):
        with self.assertRaises(Mismatch):
            check(DOCUMENT, schema, value)

    def test_accepts_what_fits(self):
        check(DOCUMENT, THING, {"name": "a", "count": 0})

    def test_refuses_what_does_not_fit(self):
        for value in [{}, {"name": ""}, {"name": 1}, {"name": "a", "count": -1}, {"name": "a", "count": True}, {"name": "a", "x": 1}, [], None]:
            with self.subTest(value=value):
                self.refuses(THING, value)

    def test_refuses_times_without_offset(self):
        check(DOCUMENT, {"type": "string", "format": "date-time"}, "2026-11-23T10:06:54.120Z")
        self.refuses({"type": "string", "format": "date-time"}, "2026-11-23 10:06:54")

    def test_one_of_means_exactly_one(self):
        check(DOCUMENT, {"oneOf": [{"type": "array"}, {"type": "object"}]}, [])
        self.refuses({"oneOf": [{"type": "number"}, {"type": "integer"}]}, 1)

    def test_refuses_keywords_that_it_does_not_know(self):
        self.refuses({"type": "string", "pattern": "a"}, "a")

    def test_examples_of_the_document_fit_their_schemas(self):
        with open(PATH, encoding="utf-8") as file:
            document = json.load(file)
        tried = 0
        for name, schema in document["components"]["schemas"].items():
            for example in schema.get("examples", []):
                with self.subTest(schema=name):
                    check(document, schema, example)
                    tried += 1
        self.assertGreater(tried, 8)


if __name__ == "__main__":
    PATH = sys.argv.pop(1)
    unittest.main()
