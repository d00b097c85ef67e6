#!/usr/bin/env python3
"""Калькулятор оценки: JSON на входе, JSON на выходе.

Вход:  {"area": 120, "price": 340000, "coefficients": [1, 1.1, 0.85]}
Выход: {"price": 38148000, "low": 34333000, "high": 41963000}  или {"error": "почему"}
"""
import json
import sys
from decimal import ROUND_HALF_UP, Decimal

SPREAD = Decimal("0.1")        # на сколько цена может отличаться в обе стороны
BIG_FROM = Decimal(500)        # большие помещения дешевле за метр
BIG = Decimal("0.93")


def thousands(amount):
    return int((amount / 1000).quantize(Decimal(1), ROUND_HALF_UP) * 1000)


def estimate(asked):
    area, price = Decimal(str(asked["area"])), Decimal(str(asked["price"]))
    if area <= 0 or price <= 0:
        return {"error": "площадь и цена метра должны быть больше нуля"}
    total = area * price
    for one in asked["coefficients"]:
        total *= Decimal(str(one))
    if area >= BIG_FROM:
        total *= BIG
    return {"price": thousands(total), "low": thousands(total * (1 - SPREAD)), "high": thousands(total * (1 + SPREAD))}


try:
    print(json.dumps(estimate(json.load(sys.stdin))))
except (KeyError, ValueError, ArithmeticError) as mistake:
    print(json.dumps({"error": "не разобрать вопрос: " + str(mistake)}))
