"""The loop closes here: retrain, roll out, judge, promote or take back, by what the views say."""

from tidewheel.rollout.judge import Judgement, judge_canary
from tidewheel.rollout.loop import RetrainLoop
from tidewheel.rollout.outbox import LIFECYCLE, send_notes
from tidewheel.rollout.steering import Steering
from tidewheel.rollout.view import LoopView

__all__ = ["LIFECYCLE", "Judgement", "LoopView", "RetrainLoop", "Steering", "judge_canary", "send_notes"]
