"""The sizes that rulefarm takes at most.  [limits] -> normalize, wire, batch, messaging, workers

Whoever sends facts or messages is not trusted: every size has a bound, and what is over one is refused by name, at the
producer and again at the worker. docs/limits.md says the same."""

#: Characters of one job's facts as canonical text. An order of 500 lines takes about 100,000.
MAX_FACTS_CHARACTERS = 1_000_000
#: Bytes of one message: those facts, were each character one that JSON inside JSON writes with twelve, and an envelope.
MAX_MESSAGE_BYTES = 16_000_000
#: Characters of one record of a csv, columns that no rule reads among them: what four jobs may have.
MAX_RECORD_CHARACTERS = 4_000_000
#: Bytes of one chunk's columns in memory: where rows are big, a chunk has fewer.
MAX_CHUNK_BYTES = 32_000_000
#: Characters of one reference fact as canonical text: a chunk may look up thousands of them.
MAX_FACT_CHARACTERS = 100_000
#: Characters of one event of a stream: a job may read a thousand of them.
MAX_EVENT_CHARACTERS = 4_000
#: Objects and lists inside one another, the facts themselves counted.
MAX_DEPTH = 32
#: Fields of one object. A table of Postgres ends at 1,600 columns; more are data in the place of names.
MAX_FIELDS = 1_000
#: Items of one list. More lines than that are a batch, not an order.
MAX_ITEMS = 10_000
#: Characters of one text: some thirty pages.
MAX_TEXT_CHARACTERS = 100_000
#: Characters of the name of a field.
MAX_NAME_CHARACTERS = 200
#: Characters of a key, which becomes the verdict's subject.
MAX_KEY_CHARACTERS = 200
#: Significant digits of a number: what a float64 gives back unchanged.
MAX_DIGITS = 15
