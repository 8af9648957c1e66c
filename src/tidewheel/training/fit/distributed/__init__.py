"""A fit that is shared among workers, each with a part of the rows: LightGBM, XGBoost and PyTorch modules."""
