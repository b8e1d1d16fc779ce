(* The standard ring and field tactics for mathcomp fields.  mathcomp reaches
   one operation along several canonical-structure paths; [mring R] and
   [mfield R] first rewrite all of them to the constants below, which the
   enclosing section declares to Coq by [Add Field ... : (mc_field_theory R)]. *)
From Coq Require Export Ring Field.
From mathcomp Require Import all_ssreflect all_algebra.
Import GRing.Theory.
Local Open Scope ring_scope.

Section Ops.
Variable F : fieldType.
Definition fzero : F := 0.
Definition fone : F := 1.
Definition fadd (x y : F) : F := x + y.
Definition fmul (x y : F) : F := x * y.
Definition fopp (x : F) : F := - x.
Definition finv (x : F) : F := x^-1.
Definition fnat (x : F) (n : nat) : F := x *+ n.
Definition fsub (x y : F) : F := fadd x (fopp y).
Definition fdiv (x y : F) : F := fmul x (finv y).

Lemma mc_field_theory :
  field_theory fzero fone fadd fmul fsub fopp fdiv finv (@eq F).
Proof.
split; first split => //; try exact: add0r; try exact: addrC; try exact: addrA;
 try exact: mul1r; try exact: mulrC; try exact: mulrA; try exact: mulrDl; try exact: subrr.
- by move/eqP; rewrite oner_eq0.
- by [].
- by move=> p p0; rewrite /fmul /finv mulVf //; apply/eqP.
Qed.

Lemma mc_eq_intro (x y : F) : fadd x fzero = fadd y fzero -> x = y.
Proof. by rewrite /fadd /fzero !addr0. Qed.
End Ops.

Ltac mc_canon F :=
  rewrite ?exprS ?expr0 ?mulrS ?mulr0n;
  apply (@mc_eq_intro F);
  repeat match goal with
  | |- context [@GRing.add ?Z] => change (@GRing.add Z) with (@fadd F)
  | |- context [@GRing.opp ?Z] => change (@GRing.opp Z) with (@fopp F)
  | |- context [@GRing.zero ?Z] => change (@GRing.zero Z) with (@fzero F)
  | |- context [@GRing.mul ?Z] => change (@GRing.mul Z) with (@fmul F)
  | |- context [@GRing.one ?Z] => change (@GRing.one Z) with (@fone F)
  | |- context [@GRing.inv ?Z] => change (@GRing.inv Z) with (@finv F)
  | |- context [@GRing.natmul ?Z] => change (@GRing.natmul Z) with (@fnat F)
  end.

Ltac mring F := mc_canon F; ring.
Ltac mfield F := mc_canon F; field;
  rewrite /fzero /fone /fadd /fmul /fopp /finv /fnat.
