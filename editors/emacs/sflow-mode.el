;;; sflow-mode.el --- Scenarios of sipflow  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; A major mode for .sflow files: comments, strings, keywords, and the language server by eglot:
;;   (add-to-list 'load-path "/path/to/sipflow/editors/emacs")
;;   (require 'sflow-mode)
;;   (add-hook 'sflow-mode-hook #'eglot-ensure)

;;; Code:

(defgroup sflow nil "Scenarios of sipflow." :group 'languages)

(defcustom sflow-server-command '("sipflow" "lsp")
  "How the language server is started."
  :type '(repeat string))

(defvar sflow-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?# "<" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?\" "\"" table)
    (modify-syntax-entry ?_ "w" table)
    table)
  "Comments run from # to the end of the line.")

(defconst sflow-words
  '("agent" "data" "define" "import" "let" "load" "on" "scenario" "tagged" "timeout"
    "if" "else" "repeat" "times" "while" "choose" "break" "continue" "goto" "label" "recover" "end" "fail"
    "call" "dial" "answer" "ring" "progress" "reject" "redirect" "release" "hold" "resume" "transfer"
    "play" "stop" "record" "send" "mute" "unmute" "impair" "clear" "wait" "log" "signal" "await" "check" "expect"
    "as" "at" "for" "from" "in" "to" "where" "with" "within" "and" "or" "not" "matches" "contains" "secret" "env")
  "Words that are shown as keywords.")

(defconst sflow-font-lock
  `((,(regexp-opt sflow-words 'symbols) . font-lock-keyword-face)
    ("\\_<\\(?:agent\\|on\\|define\\)[ \t]+\\([A-Za-z_][A-Za-z0-9_]*\\)" 1 font-lock-function-name-face)
    ("\\_<[0-9]+\\(?:\\.[0-9]+\\)?\\(?:ms\\|s\\|m\\|h\\|%\\|Hz\\|kHz\\|dB\\|/[smh]\\)?" . font-lock-constant-face))
  "What is coloured.")

(defun sflow-indent-line ()
  "Two columns a block."
  (interactive)
  (let ((depth (save-excursion (beginning-of-line) (car (syntax-ppss))))
        (closes (save-excursion (back-to-indentation) (looking-at-p "}"))))
    (save-excursion (indent-line-to (* 2 (max 0 (if closes (1- depth) depth)))))
    (when (< (current-column) (current-indentation)) (back-to-indentation))))

;;;###autoload
(define-derived-mode sflow-mode prog-mode "sflow"
  "Scenarios of sipflow."
  (setq-local comment-start "# ")
  (setq-local font-lock-defaults '(sflow-font-lock))
  (setq-local indent-line-function #'sflow-indent-line)
  (setq-local imenu-generic-expression
              '(("Agents" "^agent[ \t]+\\([A-Za-z0-9_]+\\)" 1) ("Lanes" "^on[ \t]+\\([A-Za-z0-9_]+\\)" 1)
                ("Definitions" "^define[ \t]+\\([A-Za-z0-9_]+\\)" 1))))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.sflow\\'" . sflow-mode))

(defvar eglot-server-programs)
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs (cons 'sflow-mode sflow-server-command)))

(provide 'sflow-mode)
;;; sflow-mode.el ends here
