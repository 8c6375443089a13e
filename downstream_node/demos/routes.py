"""All routes of recordings, by what they are about."""

from flask import Blueprint

ALL: tuple[Blueprint, ...] = ()
