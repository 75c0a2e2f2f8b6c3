;;; sflow-words.el --- What sflow-mode shows  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Written by `make editors' out of grammar/sflow.lark and editors/words.toml.  Change it there.

;;; Code:

(defconst sflow-words-font-lock
  '(("\\(?:^\\|[;{]\\)[[:blank:]]*\\(\\_<\\(?:unregistered\\|transferred\\|registered\\|subscribe\\|answered\\|progress\\|recorded\\|rejected\\|response\\|transfer\\|message\\|options\\|request\\|resumed\\|ringing\\|silence\\|timeout\\|hangup\\|notify\\|played\\|update\\|audio\\|heard\\|call\\|dtmf\\|held\\|info\\|tone\\)\\_>\\)\\(?:[^;{}\"\n]\\|\"[^\"\n]*\"\\)*=>" 1 font-lock-type-face)
    ("^[[:blank:]]*\\(\\_<\\(?:scenario\\|timeout\\|define\\|import\\|agent\\|data\\|load\\|let\\|on\\)\\_>\\)" 1 font-lock-keyword-face)
    ("\\_<expect[[:blank:]]+\\(\\_<\\(?:unregistered\\|transferred\\|registered\\|subscribe\\|answered\\|progress\\|recorded\\|rejected\\|response\\|transfer\\|message\\|options\\|request\\|resumed\\|ringing\\|silence\\|timeout\\|hangup\\|notify\\|played\\|update\\|audio\\|heard\\|call\\|dtmf\\|held\\|info\\|tone\\)\\_>\\)" 1 font-lock-type-face)
    ("\\(?:^\\|[;{:]\\|=>\\|\\_<else\\_>\\)[[:blank:]]*\\(\\_<\\(?:unregister\\|progress\\|redirect\\|register\\|transfer\\|release\\|respond\\|answer\\|impair\\|record\\|reject\\|resume\\|unmute\\|clear\\|pause\\|rekey\\|call\\|dial\\|hold\\|mute\\|play\\|ring\\|send\\|stop\\|wait\\|log\\)\\_>\\)" 1 font-lock-function-name-face)
    ("\\(?:^\\|[;{:]\\|=>\\|\\_<else\\_>\\)[[:blank:]]*\\(\\_<\\(?:continue\\|recover\\|choose\\|repeat\\|signal\\|await\\|break\\|label\\|while\\|fail\\|goto\\|end\\|if\\)\\_>\\)" 1 font-lock-keyword-face)
    ("\\(?:^\\|[;{:]\\|=>\\|\\_<else\\_>\\)[[:blank:]]*\\(\\_<\\(?:expect\\|check\\)\\_>\\)" 1 font-lock-keyword-face)
    ("\\(?:^\\|[;{:]\\|=>\\|\\_<else\\_>\\)[[:blank:]]*\\(\\_<\\(?:let\\)\\_>\\)" 1 font-lock-keyword-face)
    ("\\(?:^\\|[;{:]\\|=>\\|\\_<else\\_>\\)[[:blank:]]*\\(\\_<\\(?:certificate\\|concurrency\\|provisional\\|challenge\\|registrar\\|arrivals\\|latching\\|register\\|content\\|minimum\\|replace\\|require\\|session\\|client\\|codecs\\|copies\\|double\\|header\\|jitter\\|listen\\|number\\|record\\|remove\\|verify\\|media\\|ports\\|proxy\\|ptime\\|realm\\|start\\|auth\\|body\\|cseq\\|dtmf\\|hold\\|late\\|name\\|part\\|ramp\\|rtcp\\|srtp\\|type\\|user\\|add\\|key\\|tls\\|uri\\|ca\\|no\\)\\_>\\)" 1 font-lock-variable-name-face)
    ("\\(\\_<\\(?:contains\\|matches\\|and\\|not\\|or\\)\\_>\\)" 1 font-lock-builtin-face)
    ("\\(\\_<\\(?:false\\|true\\)\\_>\\)" 1 font-lock-constant-face)
    ("\\(\\_<\\(?:secret\\)\\_>\\)" 1 font-lock-builtin-face)
    ("\\(\\_<\\(?:env\\)\\_>\\)" 1 font-lock-builtin-face)
    ("\\(\\_<\\(?:else\\|if\\)\\_>\\)" 1 font-lock-keyword-face)
    ("\\(\\_<\\(?:certificate\\|background\\|congestion\\|impairment\\|algorithm\\|duplicate\\|refresher\\|subscribe\\|adaptive\\|matching\\|password\\|received\\|reliable\\|required\\|ringback\\|contact\\|corrupt\\|country\\|density\\|expires\\|message\\|options\\|publish\\|reduced\\|reorder\\|header\\|jitter\\|length\\|notify\\|random\\|record\\|stereo\\|tagged\\|update\\|within\\|burst\\|delay\\|every\\|fixed\\|heard\\|offer\\|order\\|realm\\|route\\|score\\|timer\\|times\\|where\\|busy\\|dial\\|dtmf\\|from\\|info\\|line\\|loop\\|loss\\|mono\\|most\\|once\\|over\\|pesq\\|play\\|sent\\|skew\\|tone\\|user\\|with\\|ack\\|all\\|for\\|gap\\|min\\|mux\\|off\\|qop\\|raw\\|via\\|as\\|at\\|by\\|in\\|on\\|to\\|xr\\)\\_>\\)" 1 font-lock-builtin-face)
    ("^[[:blank:]]*\\(?:agent\\|on\\|define\\)[[:blank:]]+\\([A-Za-z_][A-Za-z0-9_]*\\)" 1 font-lock-function-name-face)
    ("\\(\\_<[0-9]+\\(?:\\.[0-9]+\\)?\\(?:\\(?:kHz\\|ppm\\|Hz\\|MB\\|dB\\|kB\\|ms\\|B\\|h\\|m\\|s\\)\\_>\\|%\\|/[smh]\\_>\\)?\\)" 1 font-lock-constant-face))
  "Rules of font lock: a pattern, its group, and the face.")

(defconst sflow-words-before-regex
  "contains\\|matching\\|matches\\|check\\|where\\|while\\|dtmf\\|fail\\|with\\|and\\|let\\|log\\|not\\|if\\|in\\|or"
  "Words behind which a slash begins a regular expression.")

(provide 'sflow-words)
;;; sflow-words.el ends here
