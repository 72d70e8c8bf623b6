"""The commonest words of some languages: what running text is full of, and menus are not."""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from textmill.pipeline.extraction.tags import name_key

SLOTS: Final = 1 << 16

_WORDS: Final = """
the of and to in a is that for it as was with be by on not he i this are or his from at which but have an had they you
were their one all we can her has there been if more when will would who so no my your our its she him than them what
do about into up out just also how because could only other some these most very
der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie
nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch man
sein wurde wenn ich wir
le la les de des du et un une en que qui dans pour pas sur ce il au plus par est avec se son sa ne je vous nous elle
mais ou cette ces aux été sont leur comme
el los las y del una por con para su al lo más pero sus ya este sí porque esta entre cuando muy sin sobre también me
hasta hay donde quien desde todo durante
di che e per non sono della dei nel alla si anche come ma delle gli ha questo dal
o do da em um para com não uma os no na mas ao ele das à seu sua
het een van dat op te zijn voor met niet aan er om dan zou wat mijn ook als nog naar door over hij bij
i w na z się nie to jest że jak ale po co za od czy tak tego dla jego być
и в не на я что он с как это но по за к из у бы то все так его от для о же мы также которые
och att det som på är av för den till inte om ett har de så
og er på til med ikke jeg vi var men ett hun han
ja on ei se että oli hän mutta niin kun kuin ovat tai sen
és az hogy nem egy is ez csak meg de már
și este care cu din nu mai sau pentru către
je v že s se to ve ale jako pro jsou byl podle
και το να του η της με που είναι για την από στο δεν
і та що не на до як це від за але був
и на се от за да не са по като това беше
ve bir bu da de için ile çok olarak daha gibi olan ne ama
yang dan di dari untuk dengan ini itu pada tidak dalam adalah akan juga oleh
và của là có được trong cho không một với những các người này đã để
في من على إلى أن هذا هذه التي الذي عن مع ما لا كان كما أو ذلك بعد قد بين كل
که از این را با است برای آن یک تا بر هم
של על את לא הוא זה עם כי גם או היא
के का की में है और से को पर यह हैं ने कि एक भी नहीं था लिए जो
এবং এর এই করে থেকে হয় একটি জন্য তার
"""


@cache
def stop_words() -> npt.NDArray[np.uint8]:
    """1 where the `name_key` of a word modulo 65,536 is that of a stop word. uint8."""
    table = np.zeros(SLOTS, np.uint8)
    for word in _WORDS.split():
        table[name_key(word) % SLOTS] = 1
    return table
