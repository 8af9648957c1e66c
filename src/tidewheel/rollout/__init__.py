"""The loop closes here: retrain, canary, judge, promote or roll back, by what the views say."""

from tidewheel.rollout.judge import Judgement, judge_canary
from tidewheel.rollout.loop import RetrainLoop
from tidewheel.rollout.view import LoopView

__all__ = ["Judgement", "LoopView", "RetrainLoop", "judge_canary"]
