"""Does KaTeX render a formula, or does it show an error? Answered without running KaTeX.

The site renders math with KaTeX. If KaTeX cannot render a formula, it shows the source in red. `check_formula` reads a
formula by the same grammar: its lexer, macros, modes, functions and environments. The tables in `commands.json` come
from the `katex` package itself; `tests/oracle/katex_data.mjs` writes them.
"""

from qtgen.page.markdown.katex.check import check_formula
from qtgen.page.markdown.katex.errors import FormulaError, shown

__all__ = ["FormulaError", "check_formula", "shown"]
