"""Units of measurement: their spellings, and their sizes for conversion."""

import re
from typing import NamedTuple


class Unit(NamedTuple):
    """A unit. Units of the same dimension convert into each other by `size`. A size of 0 means no conversion."""

    name: str
    dimension: str
    size: float = 0.0


# Dimension: name=size spellings, separated by `;`. A spelling of one or two letters is a case-sensitive symbol.
_TABLE = """
length: m=1 metre meter metres meters; km=1000 kilometre kilometer kilometres kilometers; cm=0.01 centimetre
 centimeter centimetres centimeters; mm=0.001 millimetre millimeter millimetres millimeters; µm=1e-6 μm
 micrometre micrometer micrometres micrometers micron microns; nm=1e-9 nanometre nanometer nanometres
 nanometers; mi=1609.344 mile miles; ft=0.3048 foot feet; inch=0.0254 inches; yd=0.9144 yard yards;
 light-year=9.4607e15 light-years
mass: g=0.001 gram grams gramme grammes; kg=1 kilogram kilograms kilo kilos; mg=1e-6 milligram milligrams;
 µg=1e-9 μg mcg microgram micrograms; t=1000 tonne tonnes; ton=907.185 tons; lb=0.453592 lbs; oz=0.0283495 ounce
 ounces
time: s=1 sec secs second seconds; ms=0.001 millisecond milliseconds; min=60 mins minute minutes; h=3600 hr hrs
 hour hours; day=86400 days; week=604800 weeks; month=2629800 months; year=31557600 years yr yrs;
 decade=315576000 decades; century=3155760000 centuries
volume: l=1 L litre liter litres liters; ml=0.001 mL millilitre milliliter millilitres milliliters; gal=3.78541
 gallon gallons; cup=0 cups; tablespoon=0 tablespoons tbsp; teaspoon=0 teaspoons tsp
temperature: °C=0 ℃ celsius; °F=0 ℉ fahrenheit; K=0 kelvin kelvins
energy: J=1 joule joules; kJ=1000 kilojoule kilojoules; MJ=1e6; cal=4.184 calorie calories; kcal=4184
 kilocalorie kilocalories; eV=1.602177e-19; kWh=3.6e6; MWh=3.6e9; GWh=3.6e12; TWh=3.6e15
power: W=1 watt watts; kW=1000 kilowatt kilowatts; MW=1e6 megawatt megawatts; GW=1e9 gigawatt gigawatts;
 hp=745.7 horsepower
pressure: Pa=1 pascal pascals; kPa=1000 kilopascal kilopascals; bar=1e5 bars; atm=101325 atmosphere atmospheres;
 mmHg=133.322; psi=6894.76
frequency: Hz=1 hertz; kHz=1000 kilohertz; MHz=1e6 megahertz; GHz=1e9 gigahertz
data: bit=0.125 bits; B=1 byte bytes; KB=1e3 kB kilobyte kilobytes; MB=1e6 megabyte megabytes; GB=1e9 gigabyte
 gigabytes; TB=1e12 terabyte terabytes
electricity: V=1 volt volts; mV=0.001 millivolt millivolts; kV=1000 kilovolt kilovolts
current: A=1 amp amps ampere amperes; mA=0.001 milliamp milliamps
force: N=1 newton newtons; kN=1000 kilonewton kilonewtons
amount: mol=1 mole moles; mmol=0.001 millimole millimoles
speed: m/s=1; km/h=0.277778 kph kmh; mph=0.44704; knot=0.514444 knots
area: m²=1 m2; km²=1e6 km2; hectare=1e4 hectares ha; acre=4046.86 acres
share: %=1 percent pct
money-$: $=1 dollar dollars USD
money-€: €=1 euro euros EUR
money-£: £=1 GBP sterling
money-¥: ¥=1 yen JPY yuan
money-₹: ₹=1 rupee rupees INR
money-cent: cent=1 cents
any: pound=0 pounds; degree=0 degrees °
"""

UNITS: dict[str, Unit] = {}
"""Every unit by each of its spellings."""
for _line in _TABLE.replace("\n ", " ").strip().splitlines():
    _dimension, _, _entries = _line.partition(": ")
    for _entry in _entries.split(";"):
        _first, *_spellings = _entry.split()
        _name, _, _size = _first.partition("=")
        UNITS |= dict.fromkeys([_name, *_spellings], Unit(_name, _dimension, float(_size)))

_IS_SYMBOL = {
    spelling for spelling in UNITS if len(spelling) <= 3 and spelling not in ("day", "ton", "cup", "bit", "bar")
}
_SYMBOL = "|".join(sorted(map(re.escape, _IS_SYMBOL), key=len, reverse=True))
_WORD = "|".join(sorted(map(re.escape, UNITS.keys() - _IS_SYMBOL), key=len, reverse=True))
_AFTER = re.compile(
    rf"[ -]?(?:(?P<percent>per ?cent(?:age points?)?\b|percentage points?\b)"
    rf"|(?:degrees?|°)[ ]?(?P<degrees>Celsius|Fahrenheit|centigrade|[CF]\b)"
    rf"|(?:(?:square|cubic|US|metric)[ -])?(?P<word>(?i:{_WORD}))(?![\w])"
    rf"|(?P<symbol>{_SYMBOL})(?![\w'])"
    rf")"
)


def unit_after(text: str, offset: int, is_word: bool) -> tuple[Unit | None, int]:
    """Return the unit that begins at an offset, and where it ends.

    Args:
        text: A normalized text.
        offset: Where the figure ends.
        is_word: Whether the figure is spelled in words, which symbols do not follow.
    """
    match = _AFTER.match(text, offset)
    if not match:
        return None, offset
    if match["percent"]:
        return UNITS["%"], match.end()
    if match["degrees"]:
        return UNITS["°F" if match["degrees"].startswith("F") else "°C"], match.end()
    if word := match["word"]:
        unit = UNITS.get(word) or UNITS.get(word.lower())
        return unit, match.end()
    is_plural = match["symbol"] == "s" and match.end() == offset + 1  # a sum of 5s
    return (None, offset) if is_word or is_plural else (UNITS[match["symbol"]], match.end())


def are_compatible(first: Unit, second: Unit) -> bool:
    """Return whether the same figure may have either unit."""
    if first.dimension == "any" or second.dimension == "any":
        return True
    return first.name == second.name or (first.dimension == second.dimension and first.size == second.size != 0)
