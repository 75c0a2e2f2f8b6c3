" Written by `make editors` out of grammar/sflow.lark and editors/words.toml. Change it there.
if exists("b:current_syntax")
  finish
endif

syntax case match
syntax match sflowControl '\<\%(else\|if\)\>'
syntax match sflowOption '\<\%(certificate\|background\|congestion\|impairment\|algorithm\|duplicate\|refresher\|subscribe\|adaptive\|matching\|password\|received\|reliable\|required\|ringback\|contact\|corrupt\|country\|density\|expires\|message\|options\|publish\|reduced\|reorder\|header\|jitter\|length\|notify\|random\|record\|stereo\|tagged\|update\|within\|burst\|delay\|every\|fixed\|heard\|offer\|order\|realm\|route\|score\|timer\|times\|where\|busy\|dial\|dtmf\|from\|info\|line\|loop\|loss\|mono\|most\|once\|over\|pesq\|play\|sent\|skew\|tone\|user\|with\|ack\|all\|for\|gap\|min\|mux\|off\|qop\|raw\|via\|as\|at\|by\|in\|on\|to\|xr\)\>'
syntax match sflowOperator '\<\%(contains\|matches\|and\|not\|or\)\>'
syntax match sflowConstant '\<\%(false\|true\)\>'
syntax match sflowModifier '\<\%(secret\)\>'
syntax match sflowEnvironment '\<\%(env\)\>'
syntax match sflowSetting '\%(^\s*\|[;{:]\s*\|=>\s*\|\<else\s\+\)\@<=\<\%(certificate\|concurrency\|provisional\|challenge\|registrar\|arrivals\|latching\|register\|content\|minimum\|replace\|require\|session\|client\|codecs\|copies\|double\|header\|jitter\|listen\|number\|record\|remove\|verify\|media\|ports\|proxy\|ptime\|realm\|start\|auth\|body\|cseq\|dtmf\|hold\|late\|name\|part\|ramp\|rtcp\|srtp\|type\|user\|add\|key\|tls\|uri\|ca\|no\)\>'
syntax match sflowAction '\%(^\s*\|[;{:]\s*\|=>\s*\|\<else\s\+\)\@<=\<\%(unregister\|progress\|redirect\|register\|transfer\|release\|respond\|answer\|impair\|record\|reject\|resume\|unmute\|clear\|pause\|rekey\|call\|dial\|hold\|mute\|play\|ring\|send\|stop\|wait\|log\)\>'
syntax match sflowControl '\%(^\s*\|[;{:]\s*\|=>\s*\|\<else\s\+\)\@<=\<\%(continue\|recover\|choose\|repeat\|signal\|await\|break\|label\|while\|fail\|goto\|end\|if\)\>'
syntax match sflowJudgement '\%(^\s*\|[;{:]\s*\|=>\s*\|\<else\s\+\)\@<=\<\%(expect\|check\)\>'
syntax match sflowDeclaration '\%(^\s*\|[;{:]\s*\|=>\s*\|\<else\s\+\)\@<=\<\%(let\)\>'
syntax match sflowEvent '\%(\<expect\s\+\)\@<=\<\%(unregistered\|transferred\|registered\|subscribe\|answered\|progress\|recorded\|rejected\|response\|transfer\|message\|options\|request\|resumed\|ringing\|silence\|timeout\|hangup\|notify\|played\|update\|audio\|heard\|call\|dtmf\|held\|info\|tone\)\>'
syntax match sflowDeclaration '^\s*\zs\<\%(scenario\|timeout\|define\|import\|agent\|data\|load\|let\|on\)\>'
syntax match sflowEvent '\%(^\s*\|[;{]\s*\)\@<=\<\%(unregistered\|transferred\|registered\|subscribe\|answered\|progress\|recorded\|rejected\|response\|transfer\|message\|options\|request\|resumed\|ringing\|silence\|timeout\|hangup\|notify\|played\|update\|audio\|heard\|call\|dtmf\|held\|info\|tone\)\>\ze\%([^;{}"]\|"[^"]*"\)*=>'
syntax match sflowNumber '\<\d\+\%(\.\d\+\)\=\%(\%(kHz\|ppm\|Hz\|MB\|dB\|kB\|ms\|B\|h\|m\|s\)\>\|%\|/[smh]\>\)\='
syntax match sflowName '\%(^\s*\%(agent\|on\|define\)\s\+\)\@<=\h\w*'
syntax match sflowEscape '\\\%([ntr"\\$]\|u{\x\{1,6}}\)' contained
syntax region sflowEmbedded matchgroup=sflowEscape start='\${' end='}' contained oneline contains=sflowNumber
syntax region sflowString start='"' skip='\\.' end='"' oneline contains=sflowEscape,sflowEmbedded
syntax region sflowRaw start='"""' end='"""'
syntax match sflowRegex '\%(\<\%(matches\|matching\|contains\)\s*\)\@<=/\%([^/\\]\|\\.\)\+/'
syntax match sflowComment '#.*' contains=@Spell

highlight default link sflowDeclaration Structure
highlight default link sflowSetting Identifier
highlight default link sflowAction Function
highlight default link sflowControl Statement
highlight default link sflowJudgement Statement
highlight default link sflowEvent Type
highlight default link sflowOption Keyword
highlight default link sflowOperator Operator
highlight default link sflowConstant Boolean
highlight default link sflowModifier StorageClass
highlight default link sflowEnvironment Special
highlight default link sflowComment Comment
highlight default link sflowString String
highlight default link sflowRaw String
highlight default link sflowRegex String
highlight default link sflowNumber Number
highlight default link sflowEscape SpecialChar
highlight default link sflowEmbedded NONE
highlight default link sflowName Title

let b:current_syntax = "sflow"
