;;; tokens.el --- The face of each place that is asked for  -*- lexical-binding: t; -*-
;; Driven by test_highlighting.py, in the same form as tokens.lua.
(require 'json)
(require 'sflow-mode)

(defun told-face (place)
  "The face at PLACE, a line and a column from 1."
  (goto-char (point-min))
  (forward-line (1- (aref place 0)))
  (forward-char (1- (aref place 1)))
  (let ((face (get-text-property (point) 'face)))
    (symbol-name (if (consp face) (car face) face))))

(defun told-faces (file)
  "The faces of the places of FILE."
  (with-temp-buffer
    (insert-file-contents (aref file 0))
    (sflow-mode)
    (font-lock-ensure)
    (vconcat (mapcar #'told-face (aref file 1)))))

(let ((asked (json-read-file (getenv "SFLOW_ASKED"))))
  (with-temp-file (getenv "SFLOW_TOLD")
    (insert (json-encode (vconcat (mapcar #'told-faces asked))))))
