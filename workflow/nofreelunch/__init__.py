"""No Free Lunch: when do grid cells emerge in networks trained to path-integrate?"""

__version__ = "0.1.0"
