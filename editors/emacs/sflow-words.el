;;; sflow-words.el --- What sflow-mode shows  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Written by `make editors' out of grammar/sflow.lark and editors/words.toml.  Change it there.

;;; Code:

(defconst sflow-words-font-lock
  '(("\\(?:^\\|[;{]\\)[[:blank:]]*\\(\\_<\\(?:transferred\\|registered\\|answered\\|progress\\|recorded\\|rejected\\|response\\|transfer\\|message\\|options\\|request\\|resumed\\|ringing\\|silence\\|timeout\\|hangup\\|notify\\|played\\|audio\\|heard\\|call\\|dtmf\\|held\\|info\\|tone\\)\\_>\\)\\(?:[^;{}\"\n]\\|\"[^\"\n]*\"\\)*=>" 1 font-lock-type-face)
    ("^[[:blank:]]*\\(\\_<\\(?:scenario\\|timeout\\|define\\|import\\|agent\\|data\\|load\\|let\\|on\\)\\_>\\)" 1 font-lock-keyword-face)
    ("\\_<expect[[:blank:]]+\\(\\_<\\(?:transferred\\|registered\\|answered\\|progress\\|recorded\\|rejected\\|response\\|transfer\\|message\\|options\\|request\\|resumed\\|ringing\\|silence\\|timeout\\|hangup\\|notify\\|played\\|audio\\|heard\\|call\\|dtmf\\|held\\|info\\|tone\\)\\_>\\)" 1 font-lock-type-face)
    ("\\(?:^\\|[;{:]\\|=>\\|\\_<else\\_>\\)[[:blank:]]*\\(\\_<\\(?:unregister\\|progress\\|redirect\\|register\\|transfer\\|release\\|answer\\|impair\\|record\\|reject\\|resume\\|unmute\\|clear\\|call\\|dial\\|hold\\|mute\\|play\\|ring\\|send\\|stop\\|wait\\|log\\)\\_>\\)" 1 font-lock-function-name-face)
    ("\\(?:^\\|[;{:]\\|=>\\|\\_<else\\_>\\)[[:blank:]]*\\(\\_<\\(?:continue\\|recover\\|choose\\|repeat\\|signal\\|await\\|break\\|label\\|while\\|fail\\|goto\\|end\\|if\\)\\_>\\)" 1 font-lock-keyword-face)
    ("\\(?:^\\|[;{:]\\|=>\\|\\_<else\\_>\\)[[:blank:]]*\\(\\_<\\(?:expect\\|check\\)\\_>\\)" 1 font-lock-keyword-face)
    ("\\(?:^\\|[;{:]\\|=>\\|\\_<else\\_>\\)[[:blank:]]*\\(\\_<\\(?:let\\)\\_>\\)" 1 font-lock-keyword-face)
    ("\\(?:^\\|[;{:]\\|=>\\|\\_<else\\_>\\)[[:blank:]]*\\(\\_<\\(?:concurrency\\|arrivals\\|register\\|require\\|codecs\\|header\\|jitter\\|listen\\|number\\|media\\|ports\\|proxy\\|ptime\\|auth\\|body\\|dtmf\\|hold\\|ramp\\|srtp\\|type\\|uri\\)\\_>\\)" 1 font-lock-variable-name-face)
    ("\\(\\_<\\(?:contains\\|matches\\|and\\|not\\|or\\)\\_>\\)" 1 font-lock-builtin-face)
    ("\\(\\_<\\(?:false\\|true\\)\\_>\\)" 1 font-lock-constant-face)
    ("\\(\\_<\\(?:secret\\)\\_>\\)" 1 font-lock-builtin-face)
    ("\\(\\_<\\(?:env\\)\\_>\\)" 1 font-lock-builtin-face)
    ("\\(\\_<\\(?:else\\|if\\)\\_>\\)" 1 font-lock-keyword-face)
    ("\\(\\_<\\(?:background\\|impairment\\|duplicate\\|subscribe\\|adaptive\\|matching\\|password\\|received\\|message\\|options\\|reorder\\|jitter\\|notify\\|random\\|record\\|stereo\\|tagged\\|within\\|every\\|fixed\\|order\\|score\\|times\\|where\\|dtmf\\|from\\|info\\|loop\\|loss\\|mono\\|most\\|once\\|over\\|play\\|sent\\|tone\\|with\\|for\\|gap\\|raw\\|via\\|as\\|at\\|in\\|on\\|to\\)\\_>\\)" 1 font-lock-builtin-face)
    ("^[[:blank:]]*\\(?:agent\\|on\\|define\\)[[:blank:]]+\\([A-Za-z_][A-Za-z0-9_]*\\)" 1 font-lock-function-name-face)
    ("\\(\\_<[0-9]+\\(?:\\.[0-9]+\\)?\\(?:\\(?:kHz\\|Hz\\|MB\\|dB\\|kB\\|ms\\|B\\|h\\|m\\|s\\)\\_>\\|%\\|/[smh]\\_>\\)?\\)" 1 font-lock-constant-face))
  "Rules of font lock: a pattern, its group, and the face.")

(defconst sflow-words-before-regex
  "contains\\|matching\\|matches\\|check\\|where\\|while\\|fail\\|with\\|and\\|let\\|log\\|not\\|if\\|in\\|or"
  "Words behind which a slash begins a regular expression.")

(provide 'sflow-words)
;;; sflow-words.el ends here
