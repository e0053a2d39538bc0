"""Forecast how long a run takes and what it costs, by simulation. It sends no request and reads no clock."""

from qtgen.llm.forecast.forecast import Bottleneck, Forecast, MachineGain, forecast
from qtgen.llm.forecast.scenario import BatchService, Quantity, Rates, Scenario, Way

__all__ = ["BatchService", "Bottleneck", "Forecast", "MachineGain", "Quantity", "Rates", "Scenario", "Way", "forecast"]
