"""Functions by the names of other languages, and what to say of them.  [foreign_functions] -> rule_checks

Takes a name that no function has, gives the hint: what is written instead here, or why there is no such thing. Names
are compared without case and underscores, for each dialect has its own."""

from collections.abc import Iterable

from engine.suggestions import did_you_mean

_FIELD = "compute it before the job is submitted, and send it as a field"

#: What is written instead, to the names of other languages for it.
_INSTEAD = {
    "ToUpper(text)": "touppercase upper uppercase ucase upcase",
    "ToLower(text)": "tolowercase lower lowercase lcase downcase",
    "Len(x)": "length size strlen stringlength cardinality numberof",
    'text matches "pattern"': "regexmatch regexmatches regexp regexplike rlike ismatch match regex re",
    "Substring(text, first, count)": "substr mid substringof slice charat nthchar",
    "Index(text, part)": "indexof strpos instr find charindex position locate",
    "LastIndex(text, part)": "lastindexof rfind strrpos",
    "Replace(text, old, new)": "replaceall gsub strreplace regexreplace",
    "Trim(text)": "strip ltrim rtrim trimstart trimend trimleft trimright",
    "text + text": "format sprintf stringformat strcat fmt",
    "ToLower(a) == ToLower(b)": "equalsignorecase equalfold equalsic iequals",
    "a == b": "equals equal eq isequal strictequals",
    "a != b": "notequals notequal ne neq isnotequal",
    "a <= b": "lessthanorequal lessthanorequalto lte le atmost",
    "a > b": "greaterthan gt after isafter laterthan",
    "a >= b": "greaterthanorequal greaterthanorequalto gte ge atleast",
    "a <= x && x <= b": "between isbetween inrange",
    "x in [a, b]": "isin oneof anyof memberof isoneof inlist listcontains",
    "!(x in [a, b])": "notin isnotin noneof nin",
    'x contains "…"': "includes has contain include strcontains containsstring containstext",
    'x startsWith "…"': "startswith strstartswith beginswith starts",
    'x endsWith "…"': "endswith strendswith ends",
    "a < b": "lessthan lt before isbefore earlierthan",
    '!(x contains "…")': "notcontains doesnotcontain",
    'm["name"] != null': "containskey haskey hasproperty",
    'm["name"] or list[0]': "get getvalue getorelse elementat item",
    'x == null || x == ""': "isempty isblank isnullorempty isnullorwhitespace empty blank",
    'x != null && x != ""': "isnotempty isnotblank notempty notblank",
    "x != null": "isnotnull notnull isdefined ispresent notnil isset defined exists",
    "x == null": "isnone isundefined ismissing",
    "Coalesce(x, y)": "ifnull nvl isnullor getordefault default orelse",
    "a rule for each case": "if iif ifelse case when choose switch ternary cond",
    "!(…)": "negate",
    "Avg(list)": "average mean",
    "Sum(list)": "total sumof reduce",
    "Ceil(number)": "ceiling roundup",
    "Floor(number)": "rounddown",
    "Trunc(number)": "truncate int integer toint tointeger intvalue parseint cint",
    "Round(number, places)": "roundto roundhalfup tofixed",
    "Pow(base, exponent)": "power",
    "Ln(number) or Log10(number)": "log loge",
    "ToNumber(text)": "number todouble parsefloat parsedouble decimal float todecimal asnumber val",
    "ToText(x)": "string str tostring tochar cstr astext asstring cast convert",
    "ToDate(text)": "date dateandtime datetime parsedate todatetime timestamp totimestamp strtotime",
    "Now()": "today currentdate curdate sysdate getdate time currenttime utcnow currenttimestamp nowutc localtime",
    "DaysBetween(earlier, later)": "datediff daysdiff diffdays diffindays daysuntil dayssince daydiff daysbetweendates",
    "AddDays(date, days)": "dateadd plusdays adddate minusdays datesub",
    'TimeFormat(date, "2006-01-02")': "strftime dateformat formatdate timetostring",
    "Weekday(date)": "dayofweek isoweekday",
    "exists(Line.qty > 1)": "any some anymatch exist anytrue",
    "forall(Line.qty > 0)": "all every allmatch alltrue each",
    "Count(Line.qty > 1)": "countif countwhere filter where",
    "Sum(Line.amount)": "sumif map collect flatmap aggregate",
    "Distinct(list)": "unique distinctvalues toset",
    "IsNull(x / y), for no number is infinite, and what has no value is null": "isinf isnan nan infinity isfinite",
    'the action Log("…")': "print println logformat debug info warn error echo",
    "nothing: every assignment is noticed": "changed forget update modify refresh",
    "the whole list to the field, for rules do not change lists": "append push add remove put insert extend pop sort",
}
#: Why there is no such function, to the names.
_NONE = {
    f"it has no value to 15 digits here; {_FIELD}": (
        "sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh gamma erf erfc erfinv erfcinv j0 j1 jn"
        " ldexp logb ilogb float64bits float64frombits radians degrees"
    ),
    "no verdict depends on chance": "rand random randint randombetween uuid newguid guid",
    "kinds of fields are declared in domain.toml": "typeof instanceof istype isnumber isstring isnumeric isa isarray",
    f"there is no such statistic; {_FIELD}": "median mode stddev variance percentile stdev",
}
_UNKNOWN = "functions are those of docs/language.md; a field is read by its name: Order.total > 5"
_HINTS = {name: f"write {text}" for text, names in _INSTEAD.items() for name in names.split()}
_HINTS |= {name: text for text, names in _NONE.items() for name in names.split()}


def foreign_hint(name: str, functions: Iterable[str]) -> str:
    """The hint for a name that no function has; empty when none is known.

    Args:
        name: as it was called.
        functions: names of the functions that there are.

    >>> foreign_hint("toUpperCase", ["ToUpper"]), foreign_hint("TOUPPER", ["ToUpper"])
    ('write ToUpper(text)', "did you mean 'ToUpper'?")
    """
    known = {function.lower(): function for function in functions}
    plain = name.lower().replace("_", "")
    if plain in known:
        return f"did you mean '{known[plain]}'?"
    if plain in _HINTS:
        return _HINTS[plain]
    for prefix in ("get", "is", "has"):
        field = name.removeprefix(prefix)
        if field != name and field[:1].isupper():
            return f"a field is read by its name: Fact.{field[0].lower()}{field[1:]}"
    return did_you_mean(name, known.values()) or _UNKNOWN
