"""The BudgetBuddy service."""
