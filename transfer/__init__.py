"""The engine: plan, schedule, move, verify, resume. asyncio decides, threads move."""
